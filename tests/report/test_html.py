from cellwright.report.html import Html, Section, cards, escape, folded, join, page, paragraph


def test_page_is_closed_to_the_network_and_to_scripts():
    text = page("A & <b>", [Section("One", (paragraph("<script>x</script>"),))])
    assert "<title>A &amp; &lt;b&gt;</title>" in text
    assert "<script" not in text
    assert "default-src 'none'" in text
    assert "http://" not in text
    assert "https://" not in text
    assert 'name="viewport"' in text
    assert "prefers-color-scheme:dark" in text
    assert 'lang="en"' in text


def test_sections_of_one_name_have_their_own_anchors():
    text = page("t", [Section("Model: a", ()), Section("Model a", ()), Section("\N{SNOWMAN}", ())])
    for anchor in ("s-model-a", "s-model-a-2", "s-section"):
        assert text.count(f'id="{anchor}"') == 1
        assert f'href="#{anchor}"' in text


def test_markup_is_kept_and_text_escaped():
    assert escape(Html("<b>")) == "<b>"
    assert escape("<b>") == "&lt;b&gt;"
    assert join(["<", Html("<i>")], "|") == "&lt;|<i>"
    assert "&lt;k&gt;" in cards([("<k>", "1")])
    assert folded("a<b", Html("<p>x</p>")) == (
        "<details><summary>a&lt;b</summary><p>x</p></details>"
    )

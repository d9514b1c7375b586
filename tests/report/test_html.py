import base64
import hashlib
import re

from cellwright.report.html import (
    Html,
    Section,
    cards,
    escape,
    folded,
    join,
    page,
    paragraph,
    script,
)


def test_page_is_closed_to_the_network_and_to_other_scripts():
    text = page("A & <b>", [Section("One", (paragraph("<script>x</script>"),))])
    assert "<title>A &amp; &lt;b&gt;</title>" in text
    assert text.count("<script") == text.count("</script") == 1
    code = re.search(r"<script>(.*?)</script>", text, re.DOTALL)[1]
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    hashed = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    assert rules["script-src"] == f"'sha256-{hashed}'"
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["img-src"] == "data:"
    assert "http://" not in text
    assert "https://" not in text
    assert 'name="viewport"' in text
    assert "color-scheme:light dark" in text
    assert 'lang="en"' in text


def test_script_is_plain_and_never_ends_early():
    code = script()
    assert "<" + "/script" not in code.lower()
    assert "<!--" not in code
    assert not re.search(r"\beval\b|innerHTML|outerHTML|new Function|fetch\(|import\(", code)
    assert "\r" not in code


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

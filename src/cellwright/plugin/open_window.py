"""The annotator in a window of its own, as ``cellwright annotate`` opens it."""

from __future__ import annotations

from typing import Any

from cellwright.label.session import LabelSession
from cellwright.plugin.annotator_widget import AnnotatorWidget
from cellwright.plugin.closing import CloseGuard
from cellwright.plugin.predict_widget import PredictWidget
from cellwright.plugin.review_widget import ReviewWidget


def open_window(
    session: LabelSession, *, field: str | None = None, show: bool = True
) -> tuple[Any, AnnotatorWidget]:
    """A napari window with the annotator, and review and predict behind it.

    Parameters
    ----------
    session
        The session to show.
    field
        The field to begin with; the first one that is not done by default.
    show
        Whether the window is shown at once.

    Returns
    -------
    viewer, widget
        napari's viewer, and the annotator in it.
    """
    import napari

    viewer = napari.Viewer(title=f"Cellwright: {session.dataset.root.name}", show=show)
    widget = AnnotatorWidget(viewer)
    window = viewer.window
    for other, name in ((PredictWidget(viewer), "Predict"), (ReviewWidget(viewer), "Review")):
        window.add_dock_widget(other, name=name, area="right", tabify=True)
    window.add_dock_widget(widget, name="Annotator", area="right", tabify=True).raise_()
    annotation = widget.open(session, field)
    CloseGuard(window._qt_window, annotation.uncommitted)
    return viewer, widget


def run(session: LabelSession, *, field: str | None = None) -> None:
    """Open the window and stay until it is closed."""
    import napari

    _, widget = open_window(session, field=field)
    napari.run()
    widget.close_session()

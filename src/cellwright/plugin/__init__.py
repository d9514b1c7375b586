"""The napari plugin: annotate a data set, predict, review. Nothing else of the package loads Qt.

`Annotation` knows the layers and the label session and needs no window; the widgets are its
buttons. What a person has committed is shown only after the session wrote it to the journal.
"""

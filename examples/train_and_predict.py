"""The whole flow in Python: simulate, train for a moment, predict, score, report."""

import cellwright

cellwright.simulate("train", fields=4, shape=(96, 96), quiet=True)
cellwright.simulate("test", fields=2, shape=(96, 96), seed=1, quiet=True)
cellwright.train("train", "model", epochs=2, crop=(96, 96), quiet=True)
cellwright.predict("test", "model", "out", formats=("coco", "labels", "overlay"), quiet=True)
scores = cellwright.evaluate("test", "out", "scores.json", quiet=True)
cellwright.report(["scores.json", "out", "model"], "report.html", quiet=True)
print("accuracy at IoU 0.5:", round(scores.to_json()["matching"]["0.50"]["accuracy"], 3))

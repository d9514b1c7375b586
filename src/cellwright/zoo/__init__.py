"""Methods: network + criterion + codec, their builders, and the model folder."""

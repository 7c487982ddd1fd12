"""Measure acceptance on captured logits: kernels fitted on calibration documents, judged on other documents."""

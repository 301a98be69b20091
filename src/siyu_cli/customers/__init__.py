"""What customers did: order facts, RFM scores, segments."""

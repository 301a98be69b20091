"""企业微信: what is sent there."""

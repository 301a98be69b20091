"""One module per help panel: parse, call a domain function, hand the result to render."""

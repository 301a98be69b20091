"""Who is who: the keys that make rows one customer, and the wish not to be contacted."""

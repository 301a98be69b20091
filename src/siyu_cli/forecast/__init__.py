"""Models of repeat buying: who is still a customer, how often they will come, what that is worth.

Pure functions on numpy arrays; nothing here reads a store, a file or the clock. Times are in any one unit
(siyu uses days): x = repeat purchases, t_x = from the first purchase to the last, T = from the first
purchase to the end of what is known. Money is in fen, as floats only inside the models.
"""

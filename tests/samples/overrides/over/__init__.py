released = False

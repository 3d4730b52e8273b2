"""Where a build works: a leased slot (:mod:`.slots`), and in it the shadow (:mod:`.paths`)."""

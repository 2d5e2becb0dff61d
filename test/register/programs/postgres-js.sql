SELECT count(*)::int FROM book

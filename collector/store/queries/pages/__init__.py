"""Read models of the pages: what each of them shows, as it stands in the database."""

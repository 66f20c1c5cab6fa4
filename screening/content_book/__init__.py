"""The content book: the whole content in words, for people who sign it off. `manage.py content_book` writes it."""

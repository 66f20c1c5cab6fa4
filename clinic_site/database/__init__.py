"""PostgreSQL as this program uses it: every transaction says whose rows it may see, and two roles share the work.

`base.py` is the engine that settings name; `policies.py` says who sees which rows, `privileges.py` what the program may
do to which table; `checks.py` refuses an unsafe server.
"""

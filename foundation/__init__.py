"""
The floor that every app stands on and that knows none of them.

Admin base class, problem details, strict JSON, encrypted fields, idempotent requests and after-commit
dispatch: what all apps need and no app owns.
"""

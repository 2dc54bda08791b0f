"""Versions of the database's tables; `alembic revision --autogenerate` adds one."""

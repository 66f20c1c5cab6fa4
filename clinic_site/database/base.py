"""Django's PostgreSQL engine, with the scope of the moment (`clinic_site/records/scope.py`) in every transaction.

`SET LOCAL` ends with its transaction, so nothing is left for the next user of a pooled connection. It travels with
BEGIN in one message and costs no round trip of its own.
"""

from collections.abc import Callable
from typing import Any

from django.db.backends.postgresql import base
from psycopg import errors, sql
from psycopg.pq import ExecStatus, TransactionStatus

from clinic_site.records import scope
from clinic_site.records.scope import Scope

_CHANGE = "SELECT set_config('app.clinics', %s, true), set_config('app.response', %s, true)"
_READS_OR_WRITES_ROWS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "(SELECT", "DECLARE")


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What the open transaction was told; None when that is not known, as after a savepoint was rolled back.
        self._told: Scope | None = None
        self.execute_wrappers.append(self._execute_within_scope)

    def _set_autocommit(self, autocommit: bool) -> None:
        super()._set_autocommit(autocommit)  # type: ignore[misc]
        if not autocommit:
            self._begin()

    def _begin(self) -> None:
        wanted = scope.current()
        statements = ["BEGIN"]
        if wanted.clinics_setting:
            statements.append(f"SET LOCAL app.clinics = {sql.quote(wanted.clinics_setting, self.connection)}")
        if wanted.response:
            statements.append(f"SET LOCAL app.response = {sql.quote(wanted.response, self.connection)}")
        with self.wrap_database_errors:
            # One simple query; psycopg sees an open transaction and sends no BEGIN of its own.
            result = self.connection.pgconn.exec_("; ".join(statements).encode())
            if result.status != ExecStatus.COMMAND_OK:
                raise errors.error_from_result(result)
        self._told = wanted

    def _commit(self) -> Any:
        self._told = None
        return super()._commit()  # type: ignore[misc]

    def _rollback(self) -> Any:
        self._told = None
        return super()._rollback()  # type: ignore[misc]

    def _savepoint_rollback(self, sid: str) -> None:
        super()._savepoint_rollback(sid)  # type: ignore[misc]
        self._told = None

    def _execute_within_scope(
        self, execute: Callable[..., Any], statement: Any, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        """A statement outside a transaction gets one of its own; a scope that changed inside one is told anew."""
        wanted = scope.current()
        if self.autocommit:
            words = statement.lstrip()[:9].upper() if isinstance(statement, str) else ""
            if wanted == scope.NOTHING or not words.startswith(_READS_OR_WRITES_ROWS):
                return execute(statement, params, many, context)
            return self._in_own_transaction(lambda: execute(statement, params, many, context))
        if self._told != wanted and self._is_sound():
            with self.wrap_database_errors:
                self.connection.execute(_CHANGE, (wanted.clinics_setting, wanted.response))
            self._told = wanted
        return execute(statement, params, many, context)

    def _is_sound(self) -> bool:
        """False when the transaction failed already: its own error must be heard, not one of ours."""
        failed = self.connection is None or self.connection.pgconn.transaction_status == TransactionStatus.INERROR
        return not (failed or self.needs_rollback)

    def _in_own_transaction(self, execute: Callable[[], Any]) -> Any:
        self._begin()
        try:
            answer = execute()
            with self.wrap_database_errors:
                self.connection.commit()
        finally:
            self._told = None
            # Committed, or broken: then there is nothing to undo.
            if self.connection.pgconn.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
                self.connection.rollback()
        return answer

"""Verbs on searches that somebody keeps under a name."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import delete, func, insert, select

from engine.errors import ConflictError, NotFoundError
from webapp.desk.core import Desk, given
from webapp.language import N_
from webapp.rights import Person
from webapp.tables import saved_filter

NAME_LENGTH, QUERY_LENGTH = 40, 1000
MOST = 30  # of one account
_c = saved_filter.c


def save_filter(desk: Desk, actor: Person, name: str, query: str) -> None:
    """Keep the query string of a search; one of the same name is replaced.

    Raises InvalidValuesError for no name, one that is too long or such a query, ConflictError beyond MOST.
    """
    name = given(name, field="name", name=N_("名称"), most=NAME_LENGTH)
    query = given(query, field="query", name=N_("筛选条件"), most=QUERY_LENGTH)
    with desk.unit_of_work(actor) as ctx:
        ctx.connection.execute(delete(saved_filter).where(_c.account == actor.account, _c.name == name))
        kept = select(func.count()).select_from(saved_filter).where(_c.account == actor.account)
        if (ctx.connection.scalar(kept) or 0) >= MOST:
            raise ConflictError(_("最多保存 %(most)s 个筛选，请先删除不用的", most=MOST))
        row = {"account": actor.account, "name": name, "query": query, "created_at": ctx.now}
        ctx.connection.execute(insert(saved_filter).values(row))


def delete_filter(desk: Desk, actor: Person, filter_id: int) -> None:
    """Forget one of the actor's own searches; raises NotFoundError for another's."""
    with desk.unit_of_work(actor) as ctx:
        mine = (_c.id == filter_id) & (_c.account == actor.account)
        if ctx.connection.execute(delete(saved_filter).where(mine)).rowcount == 0:
            raise NotFoundError(_("没有这个筛选，可能已经删除"))

"""Three dozen demo incidents in all stages, as a provincial telecom's service desk would have them on one morning."""

from __future__ import annotations

from webapp.demo.script import Story
from webapp.demo.stories.callers import REPORTER
from webapp.demo.stories.over import OVER
from webapp.demo.stories.together import TOGETHER
from webapp.demo.stories.under_way import UNDER_WAY

__all__ = ["REPORTER", "STORIES"]

STORIES: tuple[Story, ...] = (*OVER, *UNDER_WAY, *TOGETHER)

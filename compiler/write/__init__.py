"""Plan and apply: what a compile changes on disk, and the only code that changes it.

`run.prepare` gives the plan of a repository, `refusals.check` says whether it is up to date, `apply.apply` makes it so.
"""

from __future__ import annotations
async def check_store(store): pass
async def completed_steps(store, run_id):
    return frozenset(await store.completed_steps(run_id))

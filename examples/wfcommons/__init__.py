"""Real scientific workflow graphs, from the recipes of WfCommons. Run `python -m examples.wfcommons`."""

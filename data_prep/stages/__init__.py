"""The steps of a preparation; each is a function of plain data that any worker can carry out (`engine.task.Task`)."""

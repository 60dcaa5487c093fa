"""The door providers report through: `callbacks/<alias>/<secret>/`."""

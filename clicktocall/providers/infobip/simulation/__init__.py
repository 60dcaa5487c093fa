"""The parts of the simulated Infobip. They know the documents, and nothing of our adapter."""

"""A second, plain reading of the topics: own decoder, own matching; shares no code with the engine."""

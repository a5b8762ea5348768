-- Each daemon with a database of its own makes its tables itself.
CREATE DATABASE vora_metadata;
CREATE DATABASE vora_orchestrator;

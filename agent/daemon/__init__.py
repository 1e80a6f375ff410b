"""The daemon's jobs and the walk of one measurement. Its life is `agent.service`."""

"""BPMN and DMN execution: definitions, instances, wait states, decisions. Knows no ITIL, no web; never commits."""

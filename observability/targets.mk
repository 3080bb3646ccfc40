.PHONY: dashboards observe dashboards-preview
dashboards: $(DEV) ## writes the dashboards, the objectives' rules and the metric table anew from the code
	@$(BIN)/python -W ignore::DeprecationWarning -m observability.generate
	@$(BIN)/python -m tests.manifests.prometheus_rule

observe: $(RUN) ## a gateway under steady mixed traffic, watched by a Prometheus
	@$(BIN)/python -m observability.observe $(OBSERVE_ARGS)

dashboards-preview: $(DEV) ## draws the four dashboards with live data, to observability/preview/out/
	@$(BIN)/python -m observability.preview $(PREVIEW_ARGS)

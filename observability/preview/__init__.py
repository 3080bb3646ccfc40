"""Pictures of the dashboards with live data, without a Grafana."""

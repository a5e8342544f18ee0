"""The dashboards as programs: `python -m grafana.src.render` writes their JSON."""

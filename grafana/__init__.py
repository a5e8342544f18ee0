"""What Prometheus, Alertmanager and Grafana are told about mailflag."""

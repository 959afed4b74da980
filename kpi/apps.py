from django.apps import AppConfig


class KpiConfig(AppConfig):
    verbose_name = "KPI"
    name = "kpi"

from django.contrib.admin.apps import AdminConfig


class ScoringAdminConfig(AdminConfig):
    default_site = "gameproject.admin_site.ScoringAdminSite"

from django.urls import path

from sessions import views, withdrawal_views

app_name = "agent_sessions"
urlpatterns = [
    path("", views.session_list, name="session_list"),
    path("<int:pk>/", views.session_detail, name="session_detail"),
    path("<int:pk>/outcome/", withdrawal_views.correct, name="correct_outcome"),
    path("<int:pk>/poison/", withdrawal_views.poison, name="poison"),
    path("<int:pk>/events/<int:seq>/", views.session_event, name="session_event"),
]

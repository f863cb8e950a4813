from django.urls import path

from sessions import views

app_name = "agent_sessions"
urlpatterns = [
    path("", views.session_list, name="session_list"),
    path("<int:pk>/", views.session_detail, name="session_detail"),
    path("<int:pk>/events/<int:seq>/", views.session_event, name="session_event"),
]

from django.urls import path

from reviews import desk_views, history_views, views

app_name = "reviews"
urlpatterns = [
    path("", views.queue, name="queue"),
    path("proposals/<int:pk>/", views.proposal_detail, name="proposal_detail"),
    path("proposals/<int:pk>/decide/", views.decide_proposal, name="decide"),
    path("proposals/<int:pk>/rebase/", views.rebase_proposal, name="rebase"),
    path("proposals/<int:pk>/preview/", views.preview, name="preview"),
    path("proposals/<int:pk>/snooze/", desk_views.snooze, name="snooze"),
    path("proposals/<int:pk>/unsnooze/", desk_views.unsnooze, name="unsnooze"),
    path("speculation/", desk_views.speculation, name="speculation"),
    path("views/save/", desk_views.save_view, name="save_view"),
    path("views/<int:pk>/delete/", desk_views.delete_view, name="delete_view"),
    path("stores/", history_views.stores, name="stores"),
    path("new-store/", history_views.new_store, name="new_store"),
    path("stores/<str:name>/", history_views.store_detail, name="store_detail"),
    path("memories/<int:pk>/", history_views.memory_detail, name="memory_detail"),
    path("record/", history_views.entries, name="entries"),
]

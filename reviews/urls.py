from django.urls import path

from reviews import history_views, overview_views, quality_views, reading_views, seed_views, views

app_name = "reviews"
urlpatterns = [
    path("", views.queue, name="queue"),
    path("proposals/<int:pk>/", views.proposal_detail, name="proposal_detail"),
    path("proposals/<int:pk>/decide/", views.decide_proposal, name="decide"),
    path("proposals/<int:pk>/rebase/", views.rebase_proposal, name="rebase"),
    path("proposals/<int:pk>/preview/", views.preview, name="preview"),
    path("proposals/<int:pk>/reveal/", reading_views.show_rationale, name="reveal"),
    path("proposals/<int:pk>/reading/", reading_views.note_reading, name="reading"),
    path("stores/", history_views.stores, name="stores"),
    path("new-store/", history_views.new_store, name="new_store"),
    path("stores/<str:name>/", history_views.store_detail, name="store_detail"),
    path("memories/<int:pk>/", history_views.memory_detail, name="memory_detail"),
    path("overview/", overview_views.overview, name="overview"),
    path("quality/", quality_views.quality, name="quality"),
    path("quality/mine/", quality_views.my_reading, name="my_reading"),
    path("test-items/", seed_views.test_items, name="test_items"),
    path("test-items/plant/", seed_views.plant_items, name="plant_items"),
    path("record/", history_views.entries, name="entries"),
]

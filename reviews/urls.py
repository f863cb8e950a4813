from django.urls import path

from reviews import bulk_views, history_views, settings_views, stopping_views, views, watching_views

app_name = "reviews"
urlpatterns = [
    path("", views.queue, name="queue"),
    path("proposals/<int:pk>/", views.proposal_detail, name="proposal_detail"),
    path("proposals/<int:pk>/decide/", views.decide_proposal, name="decide"),
    path("proposals/<int:pk>/rebase/", views.rebase_proposal, name="rebase"),
    path("proposals/<int:pk>/preview/", views.preview, name="preview"),
    path("stores/", history_views.stores, name="stores"),
    path("new-store/", history_views.new_store, name="new_store"),
    path("stores/<str:name>/", history_views.store_detail, name="store_detail"),
    path("stores/<str:name>/review/", settings_views.review_settings, name="review_settings"),
    path("stores/<str:name>/review/save/", settings_views.change_review_settings, name="change_review_settings"),
    path("stores/<str:name>/stop/", stopping_views.stop_publishing, name="stop_publishing"),
    path("stores/<str:name>/resume/", stopping_views.resume_publishing, name="resume_publishing"),
    path("memories/<int:pk>/", history_views.memory_detail, name="memory_detail"),
    path("bulk/", bulk_views.bulk, name="bulk"),
    path("bulk/approve/", bulk_views.bulk_approve, name="bulk_approve"),
    path("second-looks/", watching_views.second_looks, name="second_looks"),
    path("second-looks/<int:decision_id>/keep/", watching_views.keep_decision, name="keep_decision"),
    path("second-looks/<int:decision_id>/reverse/", watching_views.reverse_decision, name="reverse_decision"),
    path("record/", history_views.entries, name="entries"),
]

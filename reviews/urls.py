from django.urls import path

from reviews import history_views, together_views, views

app_name = "reviews"
urlpatterns = [
    path("", views.queue, name="queue"),
    path("proposals/<int:pk>/", views.proposal_detail, name="proposal_detail"),
    path("proposals/<int:pk>/decide/", views.decide_proposal, name="decide"),
    path("proposals/<int:pk>/rebase/", views.rebase_proposal, name="rebase"),
    path("proposals/<int:pk>/preview/", views.preview, name="preview"),
    path("proposals/<int:pk>/state/", together_views.state, name="state"),
    path("proposals/<int:pk>/take-over/", together_views.take_over, name="take_over"),
    path("proposals/<int:pk>/release/", together_views.release, name="release"),
    path("proposals/<int:pk>/comment/", together_views.comment, name="comment"),
    path("proposals/<int:pk>/assign/", together_views.assign, name="assign"),
    path("proposals/<int:pk>/escalate/", together_views.escalate, name="escalate"),
    path("proposals/<int:pk>/ask-for-changes/", together_views.ask_for_changes, name="ask_for_changes"),
    path("proposals/<int:pk>/withdraw-request/", together_views.withdraw_request, name="withdraw_request"),
    path("proposals/<int:pk>/reword/", together_views.reword, name="reword"),
    path("proposals/<int:pk>/revert/", together_views.revert, name="revert"),
    path("proposals/<int:pk>/reopen/", together_views.reopen, name="reopen"),
    path("held/<int:pk>/undo/", together_views.undo, name="undo"),
    path("held/<int:pk>/dismiss/", together_views.dismiss, name="dismiss"),
    path("mentions/", together_views.mentions, name="mentions"),
    path("stores/", history_views.stores, name="stores"),
    path("new-store/", history_views.new_store, name="new_store"),
    path("stores/<str:name>/", history_views.store_detail, name="store_detail"),
    path("memories/<int:pk>/", history_views.memory_detail, name="memory_detail"),
    path("record/", history_views.entries, name="entries"),
]

from django.urls import path

from screening import views

app_name = "screening"
urlpatterns = [
    path("", views.queue, name="queue"),
    path("find/", views.find, name="find"),
    path("<slug:reference>/", views.case, name="case"),
    path("<slug:reference>/open/", views.open_case_of_others, name="break_glass"),
    path("<slug:reference>/claim/", views.claim, name="claim"),
    path("<slug:reference>/release/", views.release, name="release"),
    path("<slug:reference>/hand-back/", views.release_any, name="release_any"),
    path("<slug:reference>/flags/<uuid:issue_id>/", views.close, name="close_flag"),
    path("<slug:reference>/record/<slug:kind>/", views.observe, name="observe"),
    path("<slug:reference>/decision/", views.sign, name="sign"),
]

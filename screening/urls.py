from django.urls import path

from screening import views

app_name = "screening"
urlpatterns = [
    path("", views.queue, name="queue"),
    path("find/", views.find, name="find"),
    path("<str:reference>/", views.case, name="case"),
    path("<str:reference>/claim/", views.claim, name="claim"),
    path("<str:reference>/release/", views.release, name="release"),
    path("<str:reference>/flags/<uuid:issue_id>/", views.close, name="close_flag"),
    path("<str:reference>/record/<slug:kind>/", views.observe, name="observe"),
    path("<str:reference>/decision/", views.sign, name="sign"),
]

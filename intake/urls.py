from django.urls import path

from intake import return_views, views

app_name = "intake"
urlpatterns = [
    path("at/<slug:slug>/", views.start, name="start"),
    path("at/<slug:slug>/continue/", return_views.resume, name="resume"),
    path("at/<slug:slug>/continue/open/", return_views.open_draft, name="open"),
    path("leave/", return_views.leave, name="leave"),
    path("intake/<slug:public_id>/", views.tasks, name="tasks"),
    path("intake/<slug:public_id>/<int:number>/", views.page, name="page"),
    path("intake/<slug:public_id>/return/", return_views.ways, name="ways"),
    path("intake/<slug:public_id>/continue/", return_views.wake, name="wake"),
    path("intake/<slug:public_id>/check/", views.check, name="check"),
    path("intake/<slug:public_id>/submit/", views.submit, name="submit"),
    path("intake/<slug:public_id>/done/", views.done, name="done"),
    path("intake/<slug:public_id>/who-looked/", views.who_looked, name="who_looked"),
    path("intake/<slug:public_id>/call/", views.stopped, name="stopped"),
    path("intake/<slug:public_id>/help/", views.help_now, name="help_now"),
    path("intake/<slug:public_id>/help/thanks/", views.help_now, name="help_now_replied"),
]

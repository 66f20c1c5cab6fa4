from django.urls import path

from intake import views

app_name = "intake"
urlpatterns = [
    path("at/<slug:slug>/", views.start, name="start"),
    path("intake/<slug:public_id>/", views.tasks, name="tasks"),
    path("intake/<slug:public_id>/<int:number>/", views.page, name="page"),
    path("intake/<slug:public_id>/check/", views.check, name="check"),
    path("intake/<slug:public_id>/submit/", views.submit, name="submit"),
    path("intake/<slug:public_id>/done/", views.done, name="done"),
    path("intake/<slug:public_id>/who-looked/", views.who_looked, name="who_looked"),
    path("intake/<slug:public_id>/call/", views.stopped, name="stopped"),
    path("intake/<slug:public_id>/help/", views.help_now, name="help_now"),
    path("intake/<slug:public_id>/help/thanks/", views.help_now, name="help_now_replied"),
]

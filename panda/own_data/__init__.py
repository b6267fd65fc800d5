"""Forecasts of a user's own data: tables read, times and gaps checked, a model that is asked, and whether to trust it."""

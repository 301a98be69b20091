"""siyu: the back office of a private-domain team, from spreadsheets to spreadsheets."""

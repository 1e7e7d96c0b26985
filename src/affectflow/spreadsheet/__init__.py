"""Read spreadsheets of image URLs and AU labels (EmotioNet xlsx, CSV, TAB-separated text) into tables of labels."""

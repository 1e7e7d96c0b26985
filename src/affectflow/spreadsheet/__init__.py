"""EmotioNet's tables -> one label table, with every row accounted for."""

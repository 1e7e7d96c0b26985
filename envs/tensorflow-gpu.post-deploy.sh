# Runs once in the new environment, from the folder that the workflow is started in.
pip install --no-deps --no-build-isolation -e .

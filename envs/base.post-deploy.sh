# Runs once in the new environment: puts the package in it that the workflow was started with, from a clone or a wheel.
ln -sfn "$AFFECTFLOW_PACKAGE" "$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/affectflow"
